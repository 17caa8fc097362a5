#!/bin/bash
#PBS -N spinhydro
#PBS -l select=1:ncpus=1:mpiprocs=1
#PBS -l walltime=24:00:00
#PBS -r y
#PBS -j oe
# A run as a PBS job that continues in another job after its time limit:
#
#   export PROBLEM=problems/quantum_torque.py VALUES="Omega_R='2*pi*62*Hz'"
#   qsub -v PROBLEM,VALUES run/pbs.sh
#   qsub -v PROBLEM,VALUES -l select=1:ncpus=16:mpiprocs=16 -l walltime=12:00:00 run/pbs.sh
#
# VALUES holds NAME=VALUE as they are typed, with quotes. Name the variables only: qsub removes the
# quotes of `-v VALUES=…` and ends it at the first comma.
#
# The run stops by itself 300 s before the limit of the job (a tenth of shorter ones), writes a
# checkpoint and ends with exit code 75; this script then submits the next job, with the same
# resources, which continues from there. Results go to runs/job_<number of the first job>.
set -uo pipefail

root="${SPINHYDRO_ROOT:-$PBS_O_WORKDIR}"
if [ ! -f "$root/run/environment" ]; then
    echo "run/pbs.sh: submit from the checkout, or set SPINHYDRO_ROOT to it" >&2
    exit 2
fi
# shellcheck source-path=SCRIPTDIR source=job
source "$root/run/job"
cd "$PBS_O_WORKDIR" || exit 2
: "${PROBLEM:?name a problem file: export PROBLEM=…; qsub -v PROBLEM,VALUES run/pbs.sh}"
export FIRST_JOB="${FIRST_JOB:-${PBS_JOBID%%.*}}" PROBLEM VALUES="${VALUES:-}" SPINHYDRO_ROOT="$root"
out="runs/job_$FIRST_JOB"

# requested NAME: a resource that this job has requested.
requested() { qstat -f -w "$PBS_JOBID" | sed -n "s/^ *Resource_List\.$1 = //p"; }

walltime="$(requested walltime)"
if [[ ! "$walltime" =~ ^([0-9]+):([0-9]+):([0-9]+)$ ]]; then
    echo "run/pbs.sh: the job has no walltime '$walltime'; submit with -l walltime=HH:MM:SS" >&2
    exit 2
fi
total=$((10#${BASH_REMATCH[1]} * 3600 + 10#${BASH_REMATCH[2]} * 60 + 10#${BASH_REMATCH[3]}))
margin=$((total / 10 < 300 ? total / 10 : 300))

processes=1
[ ! -f "${PBS_NODEFILE:-}" ] || processes="$(wc -l <"$PBS_NODEFILE")"
read -ra options <<<"--wall-limit $((total - margin)) $(with_ranks "$processes")"
earlier="$(earlier_run "$out")"
if [ -n "$earlier" ]; then
    follow spinhydro resume "${options[@]}" "$earlier"
else
    # VALUES holds words as they are typed, with quotes.
    eval "values=($VALUES)"
    # shellcheck disable=SC2154  # set by eval
    follow spinhydro run "${options[@]}" --out "$out" "$PROBLEM" ${values[@]+"${values[@]}"}
fi
status=$?

if [ "$status" -eq 75 ]; then
    qsub -v FIRST_JOB,PROBLEM,VALUES,SPINHYDRO_ROOT -l "select=$(requested select)" \
        -l "walltime=$walltime" "$root/run/pbs.sh"
fi
exit "$status"
