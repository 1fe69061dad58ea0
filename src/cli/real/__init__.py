"""`make real`: what ranks the sets (`measure`), README's table of it (`table`), and the command (`__main__`)."""
