//! What holds for the whole house.

mod tidy;
