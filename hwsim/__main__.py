"""``python -m hwsim`` is the command line."""

from hwsim.cli import main

if __name__ == "__main__":
    main()
