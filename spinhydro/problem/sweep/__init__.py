"""Sweeps: a table of cases, solved as members of few runs, on one machine or on a cluster.

| file | content |
|---|---|
| design.py | from the command line to the cases: grids, zipped lists, CSV, random designs |
| grouping.py | cases of equal shape become members of one run; every run is a task |
| folder.py | the folder of a sweep, and the table ``sweep.csv`` |
| task.py | solves one task in a process, from its checkpoint if it has one |
| launch.py | starts tasks: a capped pool of processes, SLURM arrays by submitit, mpi4py.futures |
| estimate.py | tasks, CPU hours and bytes before anything runs |
"""
