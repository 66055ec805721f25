"""`python -m calltally` is `calltally`."""

from calltally.cli.main import main

if __name__ == "__main__":
    main()
