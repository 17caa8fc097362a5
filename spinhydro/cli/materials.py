"""spinhydro materials [NAME]: magnetic materials and their parameters."""

from spinhydro.cli.parser import Parser


def command(arguments):
    """Print all materials, or one of them in detail."""
    parser = Parser(
        "materials", "Magnetic materials in micromagnetic, kernel and atomistic parameters."
    )
    parser.add_argument("name", nargs="?", help="one of the materials")
    name = parser.read(arguments).name
    from spinhydro.physics.materials import overview, table

    print("\n".join(table(name) if name else overview()))
    return 0
