"""Options for checkpoints and limits, which ``run`` and ``resume`` share."""


def add_limit_arguments(parser):
    """Declare the options for checkpoints and limits, which ``run`` and ``resume`` share."""
    parser.add_argument(
        "--checkpoint-interval", type=seconds, metavar="TIME",
        help="wall time between checkpoints, in seconds or as H:MM:SS [10:00]",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoints-kept", type=int, metavar="N", help="how many checkpoints are kept [2]"
    )
    parser.add_argument(
        "--members-fail", metavar="WORD",
        help="continue or stop when a member of an ensemble fails [continue]",
    )  # fmt: skip
    parser.add_argument(
        "--wall-limit", type=seconds, metavar="TIME",
        help="stop in order before this wall time, in seconds or as H:MM:SS",
    )  # fmt: skip
    parser.add_argument(
        "--grace", type=seconds, metavar="TIME", help="stop this long before the wall limit [0]"
    )


def limits(options):
    """Return the options of `add_limit_arguments` that were given."""
    names = ("members_fail", "checkpoint_interval", "checkpoints_kept", "wall_limit", "grace")
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def seconds(text):
    """Return a time in seconds: "90", "1:30" or "2:00:00"."""
    found = 0.0
    for part in text.split(":"):
        found = 60 * found + float(part)
    if not 0 <= found < float("inf"):
        raise ValueError(text)
    return found
