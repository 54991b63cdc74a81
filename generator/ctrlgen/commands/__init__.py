"""What the commands do, a module each; ``cli`` gives them their arguments, and imports each when it is called."""
