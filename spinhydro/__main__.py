from spinhydro.cli.main import main

main()
