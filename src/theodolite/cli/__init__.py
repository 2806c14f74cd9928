"""What people type. No mathematics here: each command asks the floors below and says what came of it."""
