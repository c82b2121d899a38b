"""The website host: projects, visitors' own versions of them, and the demo site."""
