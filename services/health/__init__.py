"""Immunisation of children (免疫规划): so far its pure core, which judges doses and says what comes next."""
