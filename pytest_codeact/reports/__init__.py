"""
Reports: formatting only. What they show was measured elsewhere.
"""
