"""
What runs inside the sandbox's process. The test process never imports it: it holds RestrictedPython, and the
modules that programs are given.
"""
