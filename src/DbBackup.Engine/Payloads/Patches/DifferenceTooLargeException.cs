namespace DbBackup.Engine.Payloads.Patches;

/// <summary>A payload is stored better whole than as its difference to another one. What was written of it is of no use.</summary>
internal sealed class DifferenceTooLargeException : Exception;
