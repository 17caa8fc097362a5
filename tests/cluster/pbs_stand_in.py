"""A stand-in for PBS with one queue in a folder: what `qsub` and `qstat` do to a job script.

It follows OpenPBS (src/cmds/qsub.c) in what decides whether a script works: how ``-v`` is read,
what a job finds in its environment, that it runs a copy of the script in the home folder, and that
options of the command line replace the ``#PBS`` lines. It has no nodes and no clock.

    python pbs_stand_in.py qsub [-v LIST] [-l RESOURCE=VALUE] SCRIPT
    python pbs_stand_in.py qstat -f -w JOB
"""

import json
import os
import re
import sys
from pathlib import Path

QUEUE = Path(os.environ["PBS_STAND_IN"])


def variables(text):
    """Environment that ``qsub -v`` gives to a job.

    A bare name takes the value that qsub finds in its environment, as it is. Of NAME=VALUE the
    quotes are removed; a comma outside of quotes ends it.
    """
    found = {}
    for name, value in re.findall(r"""(\w+)(=(?:'[^']*'|"[^"]*"|[^,'"])*)?(?:,|$)""", text):
        if value:
            found[name] = re.sub("['\"]", "", value[1:])
        elif name in os.environ:
            found[name] = os.environ[name]
        else:
            sys.exit(f"qsub: variable {name} is not set")
    return found


def qsub(words):
    """Queue a job, and print its name."""
    *options, script = words
    text = Path(script).read_text(encoding="utf-8")
    lines = [word for line in re.findall(r"^#PBS (.*)", text, re.M) for word in line.split()]
    resources, given = {}, {}
    for flag, value in zip([*lines, *options][:-1], [*lines, *options][1:], strict=True):
        if flag == "-l":
            name, _, request = value.partition("=")
            resources[name] = request
        elif flag == "-v":
            given = variables(value)
    number = 101 + len(list(QUEUE.glob("*.json")))
    job = {
        "id": f"{number}.server",
        "script": text,
        "resources": resources,
        "environment": {
            **{name: os.environ[name] for name in ("PATH", "HOME", "PBS_STAND_IN")},
            "PBS_JOBID": f"{number}.server",
            "PBS_O_WORKDIR": os.getcwd(),
            **given,
        },
    }
    (QUEUE / f"{number}.json").write_text(json.dumps(job), encoding="utf-8")
    print(job["id"])


def qstat(words):
    """Print the resources of a job, one on a line."""
    job = json.loads((QUEUE / f"{int(words[-1].split('.')[0])}.json").read_text(encoding="utf-8"))
    print(f"Job Id: {job['id']}")
    for name, value in job["resources"].items():
        print(f"    Resource_List.{name} = {value}")


if __name__ == "__main__":
    {"qsub": qsub, "qstat": qstat}[sys.argv[1]](sys.argv[2:])
