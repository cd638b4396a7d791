"""What pictures are made of: who holds what, where it is drawn, in which colours."""
