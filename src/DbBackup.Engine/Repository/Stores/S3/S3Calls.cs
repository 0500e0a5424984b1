using Amazon.Runtime;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Engine.Repository.Stores.S3;

/// <summary>Makes the calls to a server: repeats them, and remembers that it has answered.</summary>
/// <param name="isEncrypted">True if the connection is: then the payload needs no signature of its own.</param>
/// <param name="patience">How long a call goes on; null for the usual time.</param>
internal sealed class S3Calls(bool isEncrypted, TimeSpan? patience = null)
{
    private readonly FirstContact _contact = new();

    /// <summary>True if the connection is encrypted.</summary>
    public bool IsEncrypted => isEncrypted;

    /// <summary>The retries.</summary>
    public RemoteRetries Retries => field ??= new RemoteRetries(exception => S3Failures.IsTransient(exception, _contact), patience);

    /// <summary>How long an attempt may take: a slow line carries 32 KiB in a second.</summary>
    public static TimeSpan TimeoutFor(long bytes) => TimeSpan.FromSeconds(45 + (bytes / 32_768));

    /// <summary>Makes a call.</summary>
    public Task<T> RunAsync<T>(TimeSpan attemptTimeout, Func<int, CancellationToken, Task<T>> call, CancellationToken cancellationToken) => Retries.RunAsync(
        attemptTimeout,
        async (attempt, token) =>
        {
            _contact.Begin();
            try
            {
                T result = await call(attempt, token).ConfigureAwait(false);
                _contact.Answered();
                return result;
            }
            catch (AmazonServiceException exception) when (exception.StatusCode != 0)
            {
                _contact.Answered();
                throw;
            }
        },
        cancellationToken);

    /// <inheritdoc cref="RunAsync{T}"/>
    public Task RunAsync(TimeSpan attemptTimeout, Func<int, CancellationToken, Task> call, CancellationToken cancellationToken) => RunAsync(
        attemptTimeout,
        async (attempt, token) =>
        {
            await call(attempt, token).ConfigureAwait(false);
            return true;
        },
        cancellationToken);
}
