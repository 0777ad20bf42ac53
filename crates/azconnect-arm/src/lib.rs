//! Azure Resource Manager: preflight, provisioning without leaks, and the life of a virtual machine.
