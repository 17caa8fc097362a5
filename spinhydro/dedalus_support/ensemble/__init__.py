"""Ensembles: many realisations of one problem, the members, advanced as one Dedalus IVP.

| file | content |
|---|---|
| values.py | numbers that differ between members, and the number of members |
| basis.py | the member axis in Dedalus: basis, distributor, operators |
| noise.py | random numbers that depend on seed and member, not on the rank |
"""
