"""Field work (实地走访): visits by coordinators, where they disagree with the register, and the rates (RR-75 to RR-80)."""
