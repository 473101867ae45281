<?php
/**
 * Related articles from a running `recommender serve`, for PHP pages that must not wait for it.
 *
 *   $client = new RelatedClient('http://127.0.0.1:8000', ROOT_PATH . '/runtime/related');
 *   foreach ($client->items(4812, 5) as $item) { ... $item['url'] ... $item['title'] ... }
 *
 * With RelatedLabel.php in a PbootCMS template, in apps/home/controller/ExtLabelController.php:
 *
 *   $this->content = (new RelatedLabel($client))->run($this->content);
 *
 * A page waits 200 ms at most. Each answer is kept in the folder; while it is fresh nothing is
 * asked, and when the service fails the kept one is shown, however old. After a failure the
 * service is left alone for some seconds, so that a dead one does not slow every page.
 */
namespace app\home\controller;

class RelatedClient
{
    /** Answers are shown again without asking for as long as the service says, at most so many seconds. */
    private const FRESHEST = 300;
    /** Seconds for which a service that failed is not asked. */
    private const PAUSE = 10;
    /** Longer answers are no related lists. */
    private const LONGEST = 1000000;

    private $service;
    private $folder;
    private $timeout;

    /**
     * @param string $service Address of the service, without a slash at the end.
     * @param string $folder  Where answers are kept, which hold what pages show. Made when missing.
     * @param int    $timeout Milliseconds, connecting included.
     */
    public function __construct($service, $folder, $timeout = 200)
    {
        $this->service = rtrim($service, '/');
        $this->folder = rtrim($folder, '/');
        $this->timeout = $timeout;
    }

    /**
     * The related list of an article, best first; empty when there is none, or never was an answer.
     *
     * @return array[] Each with id, title, url, date, verdict.
     */
    public function items($id, $most = 5)
    {
        $most = max(0, min(50, (int) $most));
        $path = '/articles/' . rawurlencode((string) $id) . '/related?limit=' . $most;
        $file = $this->folder . '/' . hash('sha256', $this->service . $path) . '.json';
        $kept = $this->kept($file);
        if ($kept !== null && $kept['until'] > time()) {
            return $kept['items'];
        }
        if ($this->isPaused()) {
            return $kept === null ? [] : $kept['items'];
        }
        $answer = $this->ask($path, $kept === null ? '' : $kept['etag']);
        if ($answer === null) {
            $this->write($this->folder . '/paused', '');
            return $kept === null ? [] : $kept['items'];
        }
        if ($answer['status'] === 304 && $kept !== null) {
            $kept['until'] = $answer['until'];
            $answer = $kept;
        }
        unset($answer['status']);
        $this->write($file, (string) json_encode($answer));
        return $answer['items'];
    }

    private function kept($file)
    {
        $kept = is_file($file) ? json_decode((string) @file_get_contents($file), true) : null;
        return is_array($kept) && isset($kept['until'], $kept['etag']) && is_array($kept['items'] ?? null) ? $kept : null;
    }

    private function isPaused()
    {
        clearstatcache();
        $since = @filemtime($this->folder . '/paused');
        return $since !== false && time() - $since < self::PAUSE;
    }

    /** An answer that can be kept; null when there is none. */
    private function ask($path, $etag)
    {
        $headers = [];
        $body = '';
        $handle = curl_init($this->service . $path);
        curl_setopt_array($handle, [
            CURLOPT_TIMEOUT_MS => $this->timeout,
            CURLOPT_CONNECTTIMEOUT_MS => $this->timeout,
            // Without it curl counts whole seconds while it looks up a name.
            CURLOPT_NOSIGNAL => true,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_HTTPHEADER => array_merge(['Accept: application/json'], $etag === '' ? [] : ['If-None-Match: ' . $etag]),
            CURLOPT_HEADERFUNCTION => function ($handle, $line) use (&$headers) {
                $parts = explode(':', $line, 2);
                if (count($parts) === 2) {
                    $headers[strtolower($parts[0])] = trim($parts[1]);
                }
                return strlen($line);
            },
            CURLOPT_WRITEFUNCTION => function ($handle, $data) use (&$body) {
                $body .= $data;
                return strlen($body) > self::LONGEST ? 0 : strlen($data);
            },
        ]);
        $done = curl_exec($handle);
        $status = (int) curl_getinfo($handle, CURLINFO_RESPONSE_CODE);
        curl_close($handle);
        if ($done === false || !in_array($status, [200, 304, 404], true)) {
            return null;
        }
        $items = $status === 200 ? self::read($body) : [];
        if ($items === null) {
            return null;
        }
        $seconds = preg_match('/max-age=(\d{1,9})/', $headers['cache-control'] ?? '', $found) ? (int) $found[1] : 30;
        return [
            'status' => $status,
            'until' => time() + min(self::FRESHEST, $seconds),
            'etag' => $headers['etag'] ?? '',
            'items' => $items,
        ];
    }

    /** The items of an answer; null when it is none of the service. */
    private static function read($body)
    {
        $answer = json_decode($body, true, 32);
        if (!is_array($answer) || !is_array($answer['matches'] ?? null)) {
            return null;
        }
        $items = [];
        foreach (array_merge($answer['matches'], $answer['filler'] ?? []) as $match) {
            $article = $match['article'] ?? null;
            // Only what can be a link of a page: a path, or an address of the web.
            if (is_array($article) && preg_match('#^(https?://|/(?![/\\\\]))#i', (string) ($article['url'] ?? ''))) {
                $items[] = [
                    'id' => $article['id'] ?? '',
                    'title' => $article['title'] ?? '',
                    'url' => $article['url'],
                    'date' => $article['date'] ?? '',
                    'verdict' => $match['verdict'] ?? '',
                ];
            }
        }
        return $items;
    }

    /** Writes a file whole or not at all; a page is shown also where that fails. */
    private function write($file, $text)
    {
        if (!is_dir($this->folder) && !@mkdir($this->folder, 0750, true) && !is_dir($this->folder)) {
            return;
        }
        $new = @tempnam($this->folder, '.new');
        if ($new === false) {
            return;
        }
        if (@file_put_contents($new, $text) !== strlen($text) || !@rename($new, $file)) {
            @unlink($new);
        }
    }
}
