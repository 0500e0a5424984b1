namespace DbBackup;

/// <summary>
/// The one kind of failure that this product reports. It carries what a script needs to react (a stable <see cref="Code"/>, a
/// <see cref="Category"/>, whether a retry can help) and what a person needs to go on (<see cref="Hint"/>).
/// </summary>
public abstract class BackupException : Exception
{
    /// <summary>Creates the failure.</summary>
    /// <param name="code">One of <see cref="ErrorCodes"/>; it becomes the error's FullyQualifiedErrorId and never changes.</param>
    /// <param name="category">The kind of failure.</param>
    /// <param name="message">What happened and to what, in one sentence that names the thing.</param>
    /// <param name="hint">The next step, as a full sentence.</param>
    /// <param name="innerException">The driver's or system's own exception, where there is one.</param>
    protected BackupException(string code, FailureCategory category, string message, string hint, Exception? innerException = null)
        : base(ForeignText.Shown(SecretText.Masked(message)), WithoutSecrets(innerException))
    {
        Code = code;
        Category = category;
        Hint = ForeignText.Shown(SecretText.Masked(hint));
    }

    // A server quotes what it was sent: the whole URL, where that was given as a database's name. The shell shows inner exceptions too.
    private static Exception? WithoutSecrets(Exception? inner) =>
        inner?.ToString() is { } text && SecretText.Masked(text) is var masked && masked != text ? new InvalidOperationException(SecretText.Masked(inner.Message)) : inner;

    /// <summary>A stable name for this failure, one of <see cref="ErrorCodes"/>.</summary>
    public string Code { get; }

    /// <summary>The kind of failure.</summary>
    public FailureCategory Category { get; }

    /// <summary>What to do next, as a full sentence.</summary>
    public string Hint { get; }

    /// <summary>True if the same call may succeed later without any change (a lock, a busy server).</summary>
    public bool CanRetry { get; init; }

    /// <summary>What the failure is about: a path, a source, a backup's name.</summary>
    public object? Target { get; init => field = value is string text ? SecretText.Masked(text) : value; }
}
