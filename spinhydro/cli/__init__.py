"""The command line: one parser, and one file for each command.

A command is a file ``NAME.py`` with ``command(arguments)``, which returns the exit code. The first
line of its docstring, ``spinhydro NAME ARGUMENTS: what it does.``, is its line of
``spinhydro --help``; `main.COMMANDS` lists the names in order.
"""
