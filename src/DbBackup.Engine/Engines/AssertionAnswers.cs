using System.Globalization;

namespace DbBackup.Engine.Engines;

/// <summary>
/// The answers of restored databases to the assertions of a test. Of a server's databases, those that can answer count: a table that one of
/// them lacks is no fault of the others.
/// </summary>
internal sealed class AssertionAnswers(IReadOnlyList<string> assertions)
{
    private readonly List<BackupCheck> _checks = [];
    private readonly Dictionary<string, string> _errors = new(StringComparer.Ordinal);

    /// <summary>The answers, true or not.</summary>
    public IReadOnlyList<BackupCheck> Checks => _checks;

    /// <summary>The assertions that no database could answer, each with the reason.</summary>
    public IReadOnlyList<string> NotRun =>
    [
        .. assertions.Where(assertion => !_checks.Exists(check => check.Name == NameOf(assertion)))
            .Select(assertion => $"{NameOf(assertion)} could not run: {_errors.GetValueOrDefault(assertion, "no database was restored")}"),
    ];

    /// <summary>Puts the assertions to a restored database.</summary>
    /// <param name="ask">Returns the value of the first column of the first row, null for none; throws <see cref="BackupException"/> if the SQL cannot run.</param>
    /// <param name="isTrue">Tells what the engine takes for true.</param>
    public async Task AskAsync(Func<string, Task<object?>> ask, Func<object, bool> isTrue)
    {
        foreach (string assertion in assertions)
        {
            try
            {
                object? value = await ask(assertion).ConfigureAwait(false);
                bool holds = value is not null && isTrue(value);
                _checks.Add(new BackupCheck(NameOf(assertion), holds, value is null ? "it returned nothing" : holds ? "true" : string.Create(CultureInfo.InvariantCulture, $"it returned {value}")) { IsOfRestore = true });
            }
            catch (BackupException failure) when (failure.Code is not (ErrorCodes.ServerUnreachable or ErrorCodes.AuthenticationFailed))
            {
                _errors[assertion] = failure.InnerException?.Message ?? failure.Message;
            }
        }
    }

    private static string NameOf(string assertion) => $"assertion {assertion}";
}
