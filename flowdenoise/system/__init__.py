"""What a program needs of the machine that it runs on: folders, files, devices, random streams."""
