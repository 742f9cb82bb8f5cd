"""``python -m memsync.keeper FOLDER``: the keeper's process; `memsync unlock` starts it."""

from memsync.keeper.process import main

if __name__ == "__main__":
    main()
