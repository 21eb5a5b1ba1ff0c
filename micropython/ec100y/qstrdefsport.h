// Names that no source of the port spells out: there are none.
