"""Fuzzers: scripts that run as long as they are told, and short tests of their own."""
