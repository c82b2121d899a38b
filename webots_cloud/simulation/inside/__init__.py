"""What runs inside the sandbox beside Webots; nothing but the standard library, as little else is visible there."""
