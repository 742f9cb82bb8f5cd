#!/bin/sh
# Run the arguments under a Python that the project can use: $PYTHON, or the first of PATH's that really runs, is 3.11 or 3.12
# (the Ape pins need numpy < 2, which has no wheels for 3.13) and can make environments. A version manager's shim may be on PATH
# and fail, so each is tried.
for python in ${PYTHON:-python3.12 python3.11 python3 python}; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; then
        exec "$python" "$@"
    fi
done
echo "setup: install Python 3.12 or 3.11 with its venv module (Debian: python3.11-venv), or name one: make setup PYTHON=/path/to/python3.12" >&2
exit 1
