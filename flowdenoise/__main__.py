"""`python -m flowdenoise`, and the entry point of the command `flowdenoise`."""

from flowdenoise.cli.app import main

if __name__ == "__main__":
    main()
