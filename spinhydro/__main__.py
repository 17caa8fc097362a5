from spinhydro.cli import main

main()
