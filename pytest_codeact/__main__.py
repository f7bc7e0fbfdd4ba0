"""
`python -m pytest_codeact`.
"""

from __future__ import annotations

import sys

from pytest_codeact.cli import main

if __name__ == "__main__":
    sys.exit(main())
