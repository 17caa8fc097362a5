"""What equation strings may say, and how they are checked."""
