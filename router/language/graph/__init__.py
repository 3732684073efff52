"""The compiled routes as a picture: what there is to draw, which part of it, and the forms that it is written in."""
