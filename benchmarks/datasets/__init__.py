"""Our own data sets: how each is made (recipes.yaml), the making, the check that it comes out the same, and the card that is printed of one."""
