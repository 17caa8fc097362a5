"""Ensembles: many realisations of one problem, the members, advanced as one Dedalus IVP.

| file | content |
|---|---|
| values.py | numbers that differ from member to member, and how many members there are |
| basis.py | the member axis in Dedalus: basis, distributor, operators |
| noise.py | random numbers that belong to a seed and a member, not to a rank |
"""
