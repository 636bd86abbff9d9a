"""The command line: parse, build one configuration, call one library function, draw the result.

Only this room knows typer and rich. It imports nothing that is slow to import: each command
imports what it needs when it runs, so `--help` answers at once.
"""
