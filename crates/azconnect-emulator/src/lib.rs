//! Microsoft Entra ID, Graph, Azure Resource Manager and Azure DevOps in one process: faults, replication lag, throttling and the ground truth.
