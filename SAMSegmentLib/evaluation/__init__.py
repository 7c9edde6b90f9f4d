"""How good a model is: simulated users on volumes with reference masks, and simple methods beside it."""
