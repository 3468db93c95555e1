"""Gives the Python library of Yosys the command line of its executable: -V, -q, -p COMMANDS, -s SCRIPT."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from pyosys import libyosys  # noqa: E402


def main(arguments):
    commands = []
    arguments = iter(arguments)
    for argument in arguments:
        if argument == "-V":
            print(libyosys.yosys_maybe_version())
            return
        if argument == "-q":
            # The log goes to the descriptor, past Python; errors go to stderr.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        elif argument == "-p":
            commands += next(arguments).split(";")
        elif argument == "-s":
            commands.append("script " + next(arguments))
        elif argument not in ("-Q", "-T"):
            sys.exit(f"ERROR: unknown option {argument}")
    design = libyosys.Design()
    for command in commands:
        libyosys.run_pass(command.strip(), design)


main(sys.argv[1:])
