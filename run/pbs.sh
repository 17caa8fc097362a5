#!/bin/bash
#PBS -N spinhydro
#PBS -l select=1:ncpus=1:mpiprocs=1
#PBS -l walltime=24:00:00
#PBS -r y
#PBS -j oe
# A run as a PBS job that continues in another job after its time limit:
#
#   qsub -v PROBLEM=problems/quantum_torque.py,VALUES="Omega_R='2*pi*62*Hz'" run/pbs.sh
#
# The run stops by itself 300 s before the limit (WALL_LIMIT, in seconds, is that of the job),
# writes a checkpoint and ends with exit code 75; this script then submits the next job, which
# continues from there. Results go to runs/job_<number of the first job>.
set -uo pipefail

root="${SPINHYDRO_ROOT:-$PBS_O_WORKDIR}"
if [ ! -f "$root/run/environment" ]; then
    echo "run/pbs.sh: submit from the checkout, or set SPINHYDRO_ROOT to it" >&2
    exit 2
fi
# shellcheck source-path=SCRIPTDIR source=job
source "$root/run/job"
cd "$PBS_O_WORKDIR" || exit 2
first="${FIRST_JOB:-${PBS_JOBID%%.*}}"
out="runs/job_$first"

processes=1
[ ! -f "${PBS_NODEFILE:-}" ] || processes="$(wc -l <"$PBS_NODEFILE")"
read -ra options <<<"--wall-limit $((${WALL_LIMIT:-86400} - 300)) $(with_ranks "$processes")"
earlier="$(earlier_run "$out")"
if [ -n "$earlier" ]; then
    follow spinhydro resume "${options[@]}" "$earlier"
else
    # VALUES holds words as they are typed, with quotes.
    eval "values=(${VALUES:-})"
    # shellcheck disable=SC2154  # set by eval
    follow spinhydro run "${options[@]}" --out "$out" \
        "${PROBLEM:?name a problem file: qsub -v PROBLEM=…}" ${values[@]+"${values[@]}"}
fi
status=$?

if [ "$status" -eq 75 ]; then
    qsub -v "FIRST_JOB=$first,PROBLEM=${PROBLEM:-},VALUES=${VALUES:-},WALL_LIMIT=${WALL_LIMIT:-86400}" \
        "$root/run/pbs.sh"
fi
exit "$status"
