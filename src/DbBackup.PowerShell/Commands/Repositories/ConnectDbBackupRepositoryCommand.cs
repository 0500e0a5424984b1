using System.Globalization;
using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Checks what may be done at a repository's place, and keeps a login for the session.</summary>
[Cmdlet(VerbsCommunications.Connect, "DbBackupRepository")]
[OutputType(typeof(RepositoryInfo))]
public sealed class ConnectDbBackupRepositoryCommand : RepositoryCommandBase
{
    /// <summary>The repository.</summary>
    [Parameter(Position = 0)]
    [ArgumentCompleter(typeof(RepositoryCompleter))]
    public string? Repository { get; set; }

    /// <summary>The server of an S3 repository.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Endpoint { get; set; }

    /// <summary>Its region.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Region { get; set; }

    /// <summary>Whether the bucket stands in the path of its addresses.</summary>
    [Parameter]
    public SwitchParameter PathStyle { get; set; }

    /// <summary>The login: for S3 the access key's id and its secret.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>For how many days a backup's files are kept from deletion by the store.</summary>
    [Parameter]
    [ValidateRange(1, 36_500)]
    public int? RetainDays { get; set; }

    /// <summary>Until when they are.</summary>
    [Parameter]
    public DateTimeOffset? RetainUntil { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(Repository!, () =>
    {
        var options = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        Add("endpoint", Endpoint);
        Add("region", Region);
        if (MyInvocation.BoundParameters.ContainsKey(nameof(PathStyle)))
            Add("pathStyle", PathStyle ? "true" : "false");
        Add("retainDays", RetainDays?.ToString(CultureInfo.InvariantCulture));
        Add("retainUntil", RetainUntil?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        RepositoryLocation location = RepositoryArgument.Resolve(Repository, ResolvePath).With(options);
        RepositoryInfo checkedPlace = Run(async (_, token) => await location.LogInAsync(
            Credential?.GetNetworkCredential(), () => RepositoryAccess.CheckAsync(location, token)).ConfigureAwait(false));
        WriteObject(checkedPlace);

        void Add(string name, string? value)
        {
            if (value is not null)
                options[name] = value;
        }
    });
}
