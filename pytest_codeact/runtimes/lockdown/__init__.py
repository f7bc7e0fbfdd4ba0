"""
Walls that the kernel builds around a process: what it may still do, whatever code runs in it.

Used inside the sandbox's own processes, so it imports the standard library alone. Every layer is applied by the
process to itself and cannot be taken back; it raises OSError where the kernel does not have it or does not allow it,
and whoever asks for it decides whether that matters.
"""
