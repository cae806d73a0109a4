import os

# Notebooks under test run at the smallest budget; kernels inherit the variable.
os.environ.setdefault("GANLIB_BUDGET", "smoke")
