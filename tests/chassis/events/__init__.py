"""Events on the real servers: a producer `origin` and a service `mirror` that keeps what it is told."""
