-- Positions in the order in which they are given, whichever connection asks for them.
alter sequence {schema}.sl_position cache 1;
