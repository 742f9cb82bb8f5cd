#!/bin/sh
# Run the arguments under a Python that the project can use: $PYTHON if given, else the one used last, else the first on PATH.
# It must really run (a version manager's shim may be there and fail), be 3.11 or 3.12 (the Ape pins need numpy < 2, which has no
# wheels for 3.13), and be able to make environments.
last=.toolchain/python
serves='import sys, ensurepip, venv; (3, 11) <= sys.version_info < (3, 13) or sys.exit(1); print(sys.executable)'

if [ -n "$PYTHON" ]; then
    set -- "$PYTHON" -- "$@"
elif [ -f $last ]; then
    set -- "$(cat $last)" python3.12 python3.11 python3 python -- "$@"
else
    set -- python3.12 python3.11 python3 python -- "$@"
fi
while [ "$1" != -- ]; do
    if path=$("$1" -c "$serves" 2>/dev/null); then
        while [ "$1" != -- ]; do shift; done
        shift
        mkdir -p .toolchain && echo "$path" > $last
        exec "$path" "$@"
    fi
    shift
done

if [ -n "$PYTHON" ]; then
    echo "setup: $PYTHON is not a Python 3.11 or 3.12 with its venv module" >&2
else
    echo "setup: install Python 3.12 or 3.11 with its venv module (Debian, Ubuntu: apt install python3.11-venv)," \
        "or name one: make setup PYTHON=/path/to/python3.12" >&2
fi
exit 1
