"""C{python -m webots_cloud.command}: the same as C{webots-cloud}."""

from webots_cloud.command.main import main

main()
