"""
The scenarios that ship with pytest-codeact: one package per domain.

A package holds the domain's world, a class whose decorated methods are the tools, and the scenarios as tests.
"""
