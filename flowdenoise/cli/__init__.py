"""The command line: parse, build one configuration, call one library function, draw the result.

The only home of typer and rich. Nothing here is imported that is slow to import: each command
imports what it needs when it runs, so `--help` answers at once.
"""
