<?php
/**
 * Plugin Name: Related articles of recommender
 * Description: Shows under each post its related articles, from the table that `recommender export` wrote, or from a running `recommender serve`.
 * Version: 1.1
 * Text Domain: recommender-related
 * License: MIT
 *
 * The box stands below the text of a single post; [related_articles] puts it elsewhere. The table
 * is read as any other, and nothing of recommender's needs to run. With
 *
 *   define('RECOMMENDER_SERVICE', 'http://127.0.0.1:8000');
 *
 * in wp-config.php the list comes from the service. A page waits 200 ms at most; the last answer is
 * kept for a month and shown when the service fails, which is then left alone for ten seconds.
 *
 * What else wp-config.php may define: RECOMMENDER_TABLE, another table than related_articles;
 * RECOMMENDER_MOST, another length than 5; RECOMMENDER_SITE, where ids begin with the name of a site.
 * The filter recommender_related_heading gives the box another heading.
 */

if (!defined('ABSPATH')) {
    exit;
}

defined('RECOMMENDER_TABLE') || define('RECOMMENDER_TABLE', 'related_articles');
defined('RECOMMENDER_MOST') || define('RECOMMENDER_MOST', 5);

const RECOMMENDER_TIMEOUT = 0.2;
/** Seconds for which a service that failed is not asked. */
const RECOMMENDER_PAUSE = 10;

/** The rows of a post's list; none where there is no list. */
function recommender_related_rows($post_id, $most = RECOMMENDER_MOST)
{
    // An article of a site that its settings name has that name in front of its id.
    $id = defined('RECOMMENDER_SITE') ? RECOMMENDER_SITE . ':' . $post_id : (string) $post_id;
    return defined('RECOMMENDER_SERVICE') ? recommender_asked_rows($id, $most) : recommender_table_rows($id, $most);
}

/** The list as the service gives it: the kept answer while it is fresh, or when there is no other. */
function recommender_asked_rows($id, $most)
{
    $address = rtrim(RECOMMENDER_SERVICE, '/') . '/articles/' . rawurlencode($id) . '/related?limit=' . (int) $most;
    $name = 'recommender_' . md5($address);
    $kept = get_transient($name);
    $kept = is_array($kept) ? $kept : ['until' => 0, 'etag' => '', 'rows' => []];
    if ($kept['until'] > time() || get_transient('recommender_paused')) {
        return $kept['rows'];
    }
    $answer = wp_remote_get($address, [
        'timeout' => RECOMMENDER_TIMEOUT,
        'redirection' => 0,
        'limit_response_size' => 1000000,
        'headers' => $kept['etag'] === '' ? [] : ['If-None-Match' => $kept['etag']],
    ]);
    $status = is_wp_error($answer) ? 0 : wp_remote_retrieve_response_code($answer);
    $rows = $status === 200 ? recommender_read_rows(wp_remote_retrieve_body($answer)) : ($status === 304 ? $kept['rows'] : []);
    if (!in_array($status, [200, 304, 404], true) || $rows === null) {
        set_transient('recommender_paused', 1, RECOMMENDER_PAUSE);
        return $kept['rows'];
    }
    $control = (string) wp_remote_retrieve_header($answer, 'cache-control');
    $seconds = preg_match('/max-age=(\d{1,9})/', $control, $found) ? min(300, (int) $found[1]) : 30;
    $etag = (string) wp_remote_retrieve_header($answer, 'etag');
    set_transient($name, ['until' => time() + $seconds, 'etag' => $etag, 'rows' => $rows], 30 * DAY_IN_SECONDS);
    return $rows;
}

/** The rows of an answer of the service; null when it is something else. */
function recommender_read_rows($body)
{
    $answer = json_decode($body, true, 32);
    if (!is_array($answer) || !is_array($answer['matches'] ?? null)) {
        return null;
    }
    $rows = [];
    foreach (array_merge($answer['matches'], $answer['filler'] ?? []) as $match) {
        $article = $match['article'] ?? [];
        if (!empty($article['url'])) {
            $rows[] = (object) ['title' => (string) ($article['title'] ?? ''), 'url' => (string) $article['url']];
        }
    }
    return $rows;
}

/** The list as the table holds it; none where there is no table yet. */
function recommender_table_rows($id, $most)
{
    global $wpdb;
    $shown = $wpdb->suppress_errors();
    $rows = $wpdb->get_results(
        $wpdb->prepare(
            'SELECT title, url FROM `' . RECOMMENDER_TABLE . '` WHERE article_id = %s ORDER BY `rank` LIMIT %d',
            $id,
            $most
        )
    );
    $wpdb->suppress_errors($shown);
    return $rows ?: [];
}

/** What stands above the list: Chinese on a Chinese site, whether or not translations are installed. */
function recommender_related_heading()
{
    $locale = strtolower(get_locale());
    if (strpos($locale, 'zh') !== 0) {
        $heading = __('Related articles', 'recommender-related');
    } else {
        $heading = preg_match('/hant|tw|hk|mo/', $locale) ? '相關閱讀' : '相关阅读';
    }
    return (string) apply_filters('recommender_related_heading', $heading);
}

/** The box as HTML; empty where nothing is related. */
function recommender_related_box($post_id)
{
    $items = '';
    foreach (recommender_related_rows($post_id) as $row) {
        $items .= '<li><a href="' . esc_url($row->url) . '">' . esc_html($row->title) . '</a></li>';
    }
    if ($items === '') {
        return '';
    }
    $heading = recommender_related_heading();
    return '<nav class="recommender-related" aria-label="' . esc_attr($heading) . '"><h2>' . esc_html($heading) . '</h2><ul>' . $items . '</ul></nav>';
}

add_shortcode('related_articles', function () {
    return recommender_related_box(get_the_ID());
});

add_filter('the_content', function ($content) {
    if (!is_singular('post') || !in_the_loop() || !is_main_query() || has_shortcode($content, 'related_articles')) {
        return $content;
    }
    return $content . recommender_related_box(get_the_ID());
});
