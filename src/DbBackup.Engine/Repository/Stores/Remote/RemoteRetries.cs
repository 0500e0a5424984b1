using System.Diagnostics.CodeAnalysis;
using Polly;
using Polly.Retry;

namespace DbBackup.Engine.Repository.Stores.Remote;

/// <summary>
/// Repeats calls to a remote store that failed for a moment: a server that restarts or throttles (500, 503), a timeout, a cut connection.
/// Waits longer after each failure, and gives up when <see cref="Patience"/> has passed since the call began.
/// </summary>
internal sealed class RemoteRetries
{
    /// <summary>How long a store may be away: a server that answers 503 for a minute is survived twice over.</summary>
    public static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(130);

    private static readonly ResiliencePropertyKey<long> s_begun = new("begun");
    private readonly ResiliencePipeline _pipeline;
    private readonly TimeProvider _time;

    /// <summary>Creates the retries.</summary>
    /// <param name="isTransient">Tells if a failure may be gone at the next attempt. A timeout of an attempt is transient without being asked for.</param>
    /// <param name="patience">How long to go on; null for <see cref="UsualPatience"/>.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public RemoteRetries(Func<Exception, bool> isTransient, TimeSpan? patience = null, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        Patience = patience ?? UsualPatience;
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = _time }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = args => ValueTask.FromResult(
                    args.Outcome.Exception is { } failure && !args.Context.CancellationToken.IsCancellationRequested && (failure is TimeoutException || isTransient(failure))
                    && _time.GetElapsedTime(args.Context.Properties.GetValue(s_begun, 0)) < Patience),
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = TimeSpan.FromMilliseconds(300),
                MaxDelay = TimeSpan.FromSeconds(10),
            })
            .Build();
    }

    /// <summary>How long a call goes on after its beginning.</summary>
    public TimeSpan Patience { get; }

    /// <summary>Makes a call, and repeats it as long as that may help.</summary>
    /// <param name="attemptTimeout">After how long an attempt is given up and repeated: a server that accepts a connection and is silent.</param>
    /// <param name="call">The call. It is given the number of its attempt, from 0, since one before may have been carried out without an answer.</param>
    /// <param name="cancellationToken">Stops it at once, also while it waits.</param>
    public async Task<T> RunAsync<T>(TimeSpan attemptTimeout, Func<int, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        ResilienceContext context = ResilienceContextPool.Shared.Get(cancellationToken);
        try
        {
            context.Properties.Set(s_begun, _time.GetTimestamp());
            int attempt = 0;
            return await _pipeline.ExecuteAsync(
                async each => await AttemptAsync(attempt++, attemptTimeout, call, each.CancellationToken).ConfigureAwait(false), context).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException && cancellationToken.IsCancellationRequested)
        {
            // What an attempt threw while it was stopped, or before the wait that was stopped.
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <inheritdoc cref="RunAsync{T}"/>
    public Task RunAsync(TimeSpan attemptTimeout, Func<int, CancellationToken, Task> call, CancellationToken cancellationToken) => RunAsync(
        attemptTimeout,
        async (attempt, token) =>
        {
            await call(attempt, token).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    [SuppressMessage("Reliability", "CA2016", Justification = "The attempt has a token of its own.")]
    private async Task<T> AttemptAsync<T>(int attempt, TimeSpan timeout, Func<int, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var expiry = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(expiry.Token, cancellationToken);
        try
        {
            return await call(attempt, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer within {timeout.TotalSeconds:0} seconds", exception);
        }
    }
}
